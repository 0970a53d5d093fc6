"""Descriptions of APIs in OpenAPI: what a file says there is."""
