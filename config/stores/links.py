"""What the links of S3 and COS have in common."""

from urllib.parse import quote

from django.utils.http import content_disposition_header


def quoted(text: str, safe: str = "") -> str:
    """Percent-encoded as signatures need it: all but letters, digits and `-._~`."""
    return quote(text, safe=safe)


def response_headers(content_type: str, filename: str) -> dict[str, str]:
    """The parameters of a link that set the headers of its answer, if they are given."""
    disposition = filename and content_disposition_header(as_attachment=False, filename=filename)
    wanted = {"response-content-type": content_type, "response-content-disposition": disposition}
    return {name: value for name, value in wanted.items() if value}
