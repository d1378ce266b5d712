"""A page of its own needs nothing else, and its title is text."""

import json

import plotly.graph_objects as go

from explorer.figures.standalone import document, figure_place, standalone_page


def test_the_page_has_the_script_inside_and_a_title_that_is_only_text():
    page = standalone_page(go.Figure({"data": [{"type": "scatter", "y": [1, 2]}]}), "a <b> & c", width=500)
    assert "<title>a &lt;b&gt; &amp; c</title>" in page
    assert "Plotly.newPlot" in page
    assert '"width":500' in page
    assert 'src="http' not in page


def test_a_document_has_the_script_once_and_no_markup_from_its_figures():
    text = "</script><!--<script> \u2028"
    figures = {name: go.Figure({"layout": {"title": {"text": text}}}) for name in ("a", "b")}
    page = document("<i>", figure_place("a", '"><b>') + figure_place("b", ""), figures, width=700)
    assert page.count("plotly.js v") == 1
    data = page.split('id="figures">')[1].split("</script>")[0]
    assert "<" not in data
    assert json.loads(data)["b"]["layout"]["title"]["text"] == text
    assert "<title>&lt;i&gt;</title>" in page
    assert 'aria-label="&quot;&gt;&lt;b&gt;"' in page
    assert "max-width: 700px" in page
