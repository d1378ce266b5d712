"""A page of its own needs nothing else, and its title is text."""

import plotly.graph_objects as go

from explorer.figures.standalone import standalone_page


def test_the_page_has_the_script_inside_and_a_title_that_is_only_text():
    page = standalone_page(go.Figure({"data": [{"type": "scatter", "y": [1, 2]}]}), "a <b> & c", width=500)
    assert "<title>a &lt;b&gt; &amp; c</title>" in page
    assert "Plotly.newPlot" in page
    assert '"width":500' in page
    assert 'src="http' not in page
