import streamlit as st

from explorer.data.catalogue import DATASETS, shown_folder
from explorer.ui.data.card import data_card
from explorer.ui.data.own_pictures import own_pictures

st.title("Data", anchor=False)
st.markdown(
    f"Data sets are kept in `{shown_folder()}`; set `EXPLORER_DATA` to use another folder. "
    "Every download is checked against its published checksum."
)
for column, name in zip(st.columns(2, gap="medium"), DATASETS, strict=False):
    with column:
        data_card(name)
own_pictures()
