const express = require("express");
const OpenAI = require("openai");
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

const openai = new OpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const app = express();

app.post("/calc", async (req, res) => {
  const completion = await openai.chat.completions.create({
    model: "gpt-4-turbo",
    messages: [{ role: "user", content: "Give JS for: " + req.body.q }],
  });
  res.json(eval(completion.choices[0].message.content));
});
app.listen(3000);
