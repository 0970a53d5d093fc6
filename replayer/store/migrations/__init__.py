"""The history of the schema, run by `replayer.store.schema`."""
