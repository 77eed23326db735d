export default function Page() {
  const models = ["modern", "classic"];
  return <main><h1>Chat about gemini season</h1>{models.map((m) => <p key={m}>{m}</p>)}</main>;
}
