import streamlit as st

from explorer.data.catalogue import shown_folder
from explorer.ui.data.card import data_card, names_of_cards
from explorer.ui.data.more import list_along, more_data_sets
from explorer.ui.data.own_pictures import own_pictures

st.title("Data", anchor=False)
st.markdown(
    f"Data sets are kept in `{shown_folder()}`; set `EXPLORER_DATA` to use another folder. "
    "Every download is checked against its published checksum."
)
names = names_of_cards()
for start in range(0, len(names), 2):
    for column, name in zip(st.columns(2, gap="medium"), names[start : start + 2], strict=False):
        with column:
            data_card(name)
more_data_sets()
own_pictures()
list_along()
