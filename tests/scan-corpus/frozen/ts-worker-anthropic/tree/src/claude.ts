import Anthropic from "@anthropic-ai/sdk";

const DEFAULTS = { model: "claude-3-5-sonnet-latest", max_tokens: 1024 } as const;

export class Writer {
  private readonly client: Anthropic;
  constructor(key: string) {
    this.client = new Anthropic({ apiKey: key, baseURL: "https://claude-proxy.example.com" });
  }
  async write(topic: string): Promise<string> {
    const message = await this.client.messages.create({ ...DEFAULTS, messages: [{ role: "user", content: topic }] });
    return JSON.stringify(message.content);
  }
}
