// Shows a product's gallery and moves its last image to the front; all it knows of the API are the generated types.
import type { components, operations, paths } from "./api";

type Image = components["schemas"]["ImageBody"];
type Answers = operations["list_images"]["responses"];
type Query = NonNullable<operations["list_images"]["parameters"]["query"]>;
type Move = operations["update_image"]["requestBody"] extends { content: infer C } | undefined
  ? C extends { "application/json": infer J } ? J : never
  : never;
type Uploaded = paths["/v2/images.json"]["post"]["responses"][200]["content"]["application/json"];

function isWhole(image: Answers[200]["content"]["application/json"][number]): image is Image {
  return "src" in image && "position" in image && "updated_at" in image;
}

export class Gallery {
  constructor(private readonly base: string, private readonly token: string) {}

  private async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const init: RequestInit = { method, headers: { Authorization: `Bearer ${this.token}`, ...headers } };
    if (body !== undefined) {
      init.body = body instanceof FormData ? body : JSON.stringify(body);
    }
    return fetch(new URL(path, this.base), init);
  }

  async list(product: number, query: Query = {}): Promise<Image[]> {
    const words = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const answer = await this.call("GET", `/products/${product}/images?${new URLSearchParams(words)}`);
    if (!answer.ok) {
      const problem = (await answer.json()) as Answers[401]["content"]["application/json"];
      throw new Error(`${problem.code} ${problem.description}`);
    }
    const images = (await answer.json()) as Answers[200]["content"]["application/json"];
    return images.filter(isWhole);
  }

  async moveLastToFront(product: number): Promise<number | null> {
    const last = (await this.list(product, { per_page: 200 })).at(-1);
    if (last === undefined) {
      return null;
    }
    const move: Move = { position: 1 };
    await this.call("PUT", `/products/${product}/images/${last.id}`, move, { "Content-Type": "application/json" });
    return last.position;
  }

  async upload(file: Blob): Promise<number> {
    const form = new FormData();
    form.set("file", file, "shoe.png");
    const created = (await (await this.call("POST", "/v2/images.json", form)).json()) as Uploaded;
    if (created.message !== null) throw new Error(created.message);
    return Number(created.id);
  }
}
