from langchain_core.prompts import ChatPromptTemplate as Prompt
from langchain_openai import ChatOpenAI as LLM

_prompt = Prompt.from_messages([
    ("system", "Answer from the handbook only."),
    ("user", "{context}\n\n{question}"),
])
llm = LLM(model_name="gpt-4o", temperature=0)

def answer(store, question):
    documents = store.similarity_search(question)
    chain = _prompt | llm
    return chain.invoke({"context": documents, "question": question})
