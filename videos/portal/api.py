"""The page that leads to the first API call: the endpoint, the keys in use, and complete programs."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import APIKey, Tenant
from accounts.pages.key_states import active_keys, chip_of, state_of
from accounts.portal.base import TenantPage
from config.routes import API_PREFIX
from config.web.links import absolute
from videos.catalogue import ModelSpec
from videos.models import Task
from videos.routing.offers import Offers

MOST_KEYS = 5
PROMPT = "A paper boat drifts down a rainy street"


@dataclass(frozen=True)
class Example:
    """A program that creates a video, waits for it and downloads it; its text is in `portal/examples`."""

    name: str
    """In the page's query, and of the template."""
    label: str
    language: str
    install: str = ""
    """The command that installs what it imports."""

    def code(self, endpoint: str, spec: ModelSpec) -> str:
        """The program for that endpoint and model; it reads the key from `REELAY_API_KEY`."""
        values = {
            "endpoint": endpoint,
            "model": spec.name,
            "seconds": spec.seconds.allowed[0],
            "prompt": PROMPT,
        }
        return render_to_string(f"portal/examples/{self.name}.txt", values).strip()


EXAMPLES = (
    Example("curl", "curl", "sh"),
    Example("httpx", "Python", "python", "pip install httpx"),
    Example("fetch", "Node.js", "js"),
    Example("openai_python", "OpenAI SDK · Python", "python", "pip install openai"),
    Example("openai_node", "OpenAI SDK · Node.js", "js", "npm install openai"),
)


class ApiPage(TenantPage):
    """Each tab is a link, so that the page works without scripts and by keyboard."""

    section = "api"
    template_name = "portal/api.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Shows the example that the query names; the first if it names none."""
        wanted, now = request.GET.get("example"), timezone.now()
        example = next((one for one in EXAMPLES if one.name == wanted), EXAMPLES[0])
        endpoint = absolute(API_PREFIX, request).rstrip("/")
        keys = list(active_keys(self.tenant, now).order_by("-pk")[:MOST_KEYS])
        spec = model_for(self.tenant, keys)
        return self.render_to_response(
            self.get_context_data(
                endpoint=endpoint,
                examples=EXAMPLES,
                example=example,
                code=example.code(endpoint, spec) if spec else "",
                keys=[(key, chip_of(state_of(key, now))) for key in keys],
            )
        )


def model_for(tenant: Tenant, keys: Sequence[APIKey]) -> ModelSpec | None:
    """A model that the tenant may request with its newest key: the one of its last video if it can be."""
    offered = Offers.current().models(tenant)
    usable = [spec for spec in offered if not keys or keys[0].allows_model(spec.name)]
    latest = Task.objects.filter(tenant=tenant).order_by("-id").values_list("model", flat=True).first()
    return next((spec for spec in usable if spec.name == latest), next(iter(usable), None))
