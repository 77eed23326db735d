using System;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.Agents;

const string model = "gpt-4.1-mini";
var builder = Kernel.CreateBuilder();
builder.AddAzureOpenAIChatCompletion(
    deploymentName: model,
    endpoint: "https://fabrikam.openai.azure.com/",
    apiKey: Environment.GetEnvironmentVariable("AOAI_KEY")!);
var kernel = builder.Build();
ChatCompletionAgent agent = new()
{
    Name = "Clerk",
    Instructions = "Answer as a clerk.",
    Kernel = kernel,
};
Console.WriteLine(agent.Name);
