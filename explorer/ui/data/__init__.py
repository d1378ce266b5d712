"""The Data page: data sets, downloads, folders of pictures."""
