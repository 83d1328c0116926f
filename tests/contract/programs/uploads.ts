// Uploads, lists and deletes with the client that openapi-generator made, and nothing else.
import { BukalapakApi, Configuration, TiendanubeApi, UploadsApi } from "./client";

const PRODUCT = 5432;

function same(found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

export async function main(basePath: string, accessToken: string, file: Blob): Promise<void> {
  const configuration = new Configuration({ basePath, accessToken });
  const gallery = new TiendanubeApi(configuration);
  const created = await new BukalapakApi(configuration).bukalapakCreateImage({ file });
  same(created.message, null);
  const first = await gallery.createImage({ productId: PRODUCT, imageInput: { imageId: Number(created.id) } });
  const ticket = await new UploadsApi(configuration).createUploadTicket({ ticketInput: { productId: PRODUCT } });
  const signed = new URL(ticket.url).searchParams;
  const nobody = new UploadsApi(new Configuration({ basePath }));
  const second = await nobody.uploadByTicket({
    id: ticket.id, expires: signed.get("expires")!, signature: signed.get("signature")!, file,
  });
  same((await gallery.listImages({ productId: PRODUCT })).map((each) => each.id), [first.id, second.id]);
  await gallery.deleteImage({ productId: PRODUCT, id: first.id! });
  same((await gallery.listImages({ productId: PRODUCT })).map((each) => [each.id, each.position]), [[second.id, 1]]);
}
