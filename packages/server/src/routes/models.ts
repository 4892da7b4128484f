// GET /v1/models and /v1/models/{id}; an id may hold slashes.

import { LociError } from "@loci/core";
import { anthropicModel, anthropicModels, speaksAnthropic } from "../anthropic/model-entries.ts";
import { modelEntry, modelList } from "../schemas/response-bodies.ts";
import type { ServerContext } from "../server-context.ts";
import { documented, type Routes } from "./routes.ts";

export function modelRoutes(app: Routes, context: ServerContext): void {
  const list = documented({ summary: "Served models", tag: "models", response: modelList });
  app.get("/v1/models", { schema: list }, (request) => {
    if (speaksAnthropic(request)) return anthropicModels(context);
    return { object: "list", data: context.modelNames.map((name) => entry(context, name)) };
  });

  const one = documented({ summary: "One served model", tag: "models", response: modelEntry });
  app.get<{ Params: { "*": string } }>("/v1/models/*", { schema: one }, (request) => {
    const name = request.params["*"];
    if (context.modelNames.includes(name)) {
      return speaksAnthropic(request) ? anthropicModel(context, name) : entry(context, name);
    }
    throw new LociError("model_not_found", "The model does not exist on this server.", {
      param: "model",
    });
  });
}

function entry({ model }: ServerContext, name: string): object {
  return {
    id: name,
    object: "model",
    created: model.createdUnixSeconds,
    owned_by: "loci",
    root: model.id,
    max_model_len: model.contextTokensMax,
    meta: {
      architecture: model.architecture,
      n_ctx: model.contextTokensMax,
      n_vocab: model.vocabularySize,
      tool_call_format: model.toolCallFormat,
    },
  };
}
