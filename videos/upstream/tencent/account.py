"""What both products do alike with the AIGC video tasks of one account."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from videos.upstream.base import Busy, Faulted, OutcomeUnknown, Progress, Refused, Submitted
from videos.upstream.tencent.fields import text

if TYPE_CHECKING:
    from videos.upstream.tencent.client import TencentClient

CREATE = "CreateAigcVideoTask"
NO_SUCH_TASK = "0-AigcVideoTask-00000000000000000000000000000000t"
"""An id in the form of both products' ids that no task has."""

PERHAPS_UNKNOWN_TASK = ("InternalError", "FailedOperation")
"""Classes of codes with which upstream may answer the query of a task that does not exist."""


class TencentAccount:
    """One account of one product; each has its own action and format of queries. Timeouts are in seconds."""

    describe_action: str

    def __init__(self, client: "TencentClient", *, create_timeout: float, describe_timeout: float) -> None:
        self._client = client
        self._create_timeout = create_timeout
        self._describe_timeout = describe_timeout

    @staticmethod
    def progress(response: Mapping[str, Any]) -> Progress:
        """Read the response of `describe_action`."""
        raise NotImplementedError

    async def create(self, payload: Mapping[str, Any]) -> Submitted:
        """Submit a task. Raises `UpstreamError`; a response without an id leaves the outcome unknown."""
        response = await self._client.call(
            CREATE, self._with_application(payload), seconds=self._create_timeout, once=True
        )
        task_id, request_id = text(response, "TaskId"), text(response, "RequestId")
        if not task_id:
            raise OutcomeUnknown("the answer holds no TaskId", request_id=request_id)
        return Submitted(task_id, request_id, response)

    async def describe(self, task_id: str) -> Progress:
        return self.progress(await self._query(self.describe_action, {"TaskId": task_id}))

    async def check(self) -> None:
        """Query a task that does not exist: upstream looks for it only if the account works.

        What it answers then is not documented, so any answer counts that is not about the account.
        """
        try:
            await self._query(self.describe_action, {"TaskId": NO_SUCH_TASK})
        except (Refused, Busy, Faulted):
            return  # the answer to such a query, whatever it is
        except OutcomeUnknown as error:
            if not error.code.startswith(PERHAPS_UNKNOWN_TASK):
                raise

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _query(self, action: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._client.call(action, self._with_application(body), seconds=self._describe_timeout)

    def _with_application(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body of a call with what names the application inside the account, if the product has any."""
        return body
