import { openai } from "@ai-sdk/openai";
import { generateText } from "ai";

export async function POST(req: Request) {
  const { text } = await req.json();
  const result = await generateText({ model: openai("gpt-4o-mini"), prompt: `Summarise: ${text}` });
  return Response.json({ summary: result.text });
}
