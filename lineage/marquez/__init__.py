"""The API of Marquez 0.51 (`/api/v1/`), so that its clients and its web UI work here unchanged.

Facts: https://github.com/MarquezProject/marquez, `spec/openapi.yml` and `web/src/store/requests/`. What Marquez answers
with null is left out where its own description says that the member is a text or a number.
"""
