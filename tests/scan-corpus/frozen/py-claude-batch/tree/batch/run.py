from __future__ import annotations

import logging
import os

import anthropic
from anthropic import AsyncAnthropic

log = logging.getLogger(__name__)
MODELS = {"fast": "claude-3-5-haiku-20241022", "deep": "claude-3-7-sonnet-20250219"}
HAIKU = "claude-3-5-haiku-20241022"


class Runner:
    def __init__(self) -> None:
        self._client = AsyncAnthropic(api_key=os.environ["ANTHROPIC_API_KEY"], timeout=20)

    async def classify(self, text: str) -> str:
        message = await self._client.messages.create(
            model=HAIKU, max_tokens=64, messages=[{"role": "user", "content": text}]
        )
        log.info("used %s", message.usage)
        return message.content[0].text
