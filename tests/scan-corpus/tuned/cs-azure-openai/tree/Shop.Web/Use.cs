namespace Shop.Web;

public class Use { public string Go() => new OpenAIClient().GetChatClient("counter-3"); }
