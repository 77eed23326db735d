defmodule App.MixProject do
  defp deps, do: [{:phoenix, "~> 1.7"}, {:openai_ex, "~> 0.8"}]
end
