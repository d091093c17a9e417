"""The importer: files of recordings are found, named, dated and registered as segments."""
