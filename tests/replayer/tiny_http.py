"""What handlers of the small API have in common: a request read as recorded, a response written as one."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

from recorder.exchange import Body, RecordedRequest, RecordedResponse


class TinyHandler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 and keeps quiet."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each response, or the client's delayed acknowledgements cost 40 ms each

    def received(self) -> RecordedRequest:
        """The request, its body read."""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return RecordedRequest(self.command, self.path, tuple(self.headers.items()), Body.of(data))

    def respond(self, response: RecordedResponse) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(response.body.size))
        self.end_headers()
        if response.status != 204:
            self.wfile.write(response.body.data)

    def log_message(self, *_: object) -> None:
        """Says nothing."""
