"""The app: the only library code that knows Streamlit."""
