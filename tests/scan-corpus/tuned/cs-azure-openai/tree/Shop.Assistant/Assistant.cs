using System;
using Azure.AI.OpenAI;
using Azure.Identity;
using Azure.Search.Documents;
using OpenAI.Chat;

namespace Shop.Assistant;

public class Assistant
{
    private const string Deployment = "gpt-4o-shop";
    private readonly ChatClient _chat;

    public Assistant()
    {
        var endpoint = new Uri("https://shop-ai.openai.azure.com/");
        AzureOpenAIClient client = new AzureOpenAIClient(endpoint, new DefaultAzureCredential());
        _chat = client.GetChatClient(Deployment);
        var search = new SearchClient(new Uri("https://shop.search.windows.net"), "products", new DefaultAzureCredential());
    }

    // var old = client.GetChatClient("gpt-35-turbo");
    public string Ask(string question) => _chat.CompleteChat(question).Value.Content[0].Text;
}
