export const gemini = { from: "21 May", to: "20 June" };
export function Anthropic(model: string) { return model; }
export const x = Anthropic("claude monet");
