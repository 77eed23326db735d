import OpenAI from "openai";

const model = process.env.CHAT_MODEL ?? "gpt-4o";
// const other = new OpenAI({ baseURL: "https://old.example/v1" });
const client = new OpenAI({
  apiKey: process.env.OPENAI_API_KEY,
  baseURL: process.env.OPENAI_BASE_URL || "https://api.openai.com/v1",
});

export async function POST(req: Request) {
  const { messages } = await req.json();
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  return new Response(stream.toReadableStream());
}
