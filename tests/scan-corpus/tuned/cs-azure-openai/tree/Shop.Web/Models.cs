namespace Shop.Web;

public class Model { public string Name { get; set; } = "gpt-shirt"; }
public class OpenAIClient { public string GetChatClient(string name) => name; }
