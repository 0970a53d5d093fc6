"""The forms that the traffic fills in are read as a browser reads them."""

from __future__ import annotations

from benchmarks.applications.django_client import form_fields

PAGE = """
<form action="/search/" method="get"><input name="q" value="x"></form>
<form action="/logout/" method="post"><input type="hidden" name="token" value="one"></form>
<form method="POST" action="/tickets/5/update/">
  <input type=hidden name='token' value='two &amp; three'>
  <input type="checkbox" name="public" checked><input type="checkbox" name="urgent" value="1">
  <input type="radio" name="status" value="1"><input type="radio" name="status" value="2" checked>
  <select name="queue"><option value="1">Support</option><option value="2" selected>Billing</option></select>
  <textarea name="comment">typed before</textarea><input type="file" name="attachment">
  <input type="submit" name="save" value="Save">
</form>
"""


def test_a_form_is_found_by_where_it_goes_and_sends_what_its_page_holds() -> None:
    assert form_fields(PAGE, "/update/") == {
        "token": "two & three",
        "public": "on",
        "status": "2",
        "queue": "2",
        "comment": "typed before",
    }
    assert form_fields(PAGE) == {"token": "one"}
    assert form_fields(PAGE, "/nowhere/") == {}
