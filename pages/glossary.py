import streamlit as st

from explorer import glossary
from explorer.ui.address import write_address
from explorer.ui.navigation import PAGES

# language: title, labels, and what is said where nothing is found
TEXTS = {
    "en": ("Glossary", "Search", "See also", "Source", "Page", "No term contains this."),
    "ko": ("용어집", "검색", "함께 보기", "출처", "페이지", "이 말이 들어 있는 용어가 없습니다."),
}


def show(name: str, language: str, listed: set[str]) -> None:
    """A term; related ones are links if they are on the page too."""
    _, _, see, source, page, _ = TEXTS[language]
    term = glossary.terms()[name]
    entry = term.entry(language)
    names = {each: glossary.terms()[each].entry(language).term for each in term.see}
    related = ", ".join(f"[{title}](#{each})" if each in listed else title for each, title in names.items())
    where = f"[{PAGES[term.page][0]}]({term.page})" if term.page else ""  # opens beside the glossary
    with st.container(gap=None):
        st.subheader(entry.term, anchor=name)
        st.markdown(entry.text)
        parts = {source: term.source, see: related, page: where}
        st.caption(" · ".join(f"{label}: {text}" for label, text in parts.items() if text))


heading = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    field = st.container()
    asked = st.query_params.get("lang", "en")
    language = str(
        st.segmented_control(
            "Language", list(glossary.LANGUAGES), default=asked if asked in glossary.LANGUAGES else "en", required=True,
            format_func=glossary.LANGUAGES.__getitem__, key="lang", label_visibility="collapsed",
        )
    )  # fmt: skip
    write_address("lang", language)  # not bound: the address would have the label
title, search, *_, nothing = TEXTS[language]
heading.title(title, anchor=False)
found = glossary.found(field.text_input(search, key="q", bind="query-params", max_chars=100), language)
opened = st.query_params.get("term", "")
if opened in glossary.terms():
    found.pop(opened, None)
    with st.container(border=True):
        show(opened, language, set(found))
elif not found:
    st.info(nothing)
for group in glossary.groups():
    if shown := [name for name in group.terms if name in found]:
        st.header(group.title[language], anchor=False, divider="gray")
        for name in shown:
            show(name, language, {*found, opened})
