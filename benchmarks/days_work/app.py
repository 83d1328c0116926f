"""FastAPI's `UploadFile`, an SQLModel session for each request, `response_model`, Pillow, `FileResponse`.

What it lacks is what the rest of this project is: limits, safe decoding, galleries in order under races, formats, bytes
that survive a power failure. It is what most shops run.
"""

import hashlib
import io
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from PIL import Image as Picture
from pydantic import Base64Bytes, BaseModel
from sqlalchemy import DateTime
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

FOLDER = Path(os.environ["DAYS_WORK_FOLDER"])
FOLDER.mkdir(parents=True, exist_ok=True)
FORMATS = {"jpg": "JPEG", "webp": "WEBP", "avif": "AVIF"}
engine = create_async_engine(os.environ["DAYS_WORK_DATABASE"], pool_size=20)


def _now() -> datetime:
    return datetime.now(UTC)


class ImageBase(SQLModel):
    id: int | None = Field(default=None, primary_key=True)
    product_id: int = Field(index=True)
    position: int
    filename: str
    created_at: datetime = Field(default_factory=_now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=_now, sa_type=DateTime(timezone=True))


class Image(ImageBase, table=True):
    path: str
    sha256: str
    bytes: int
    width: int
    height: int


class ImageOut(BaseModel):
    id: int
    src: str
    position: int
    product_id: int
    created_at: datetime
    updated_at: datetime


class Attachment(BaseModel):
    filename: str
    attachment: Base64Bytes


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


def _out(image: Image) -> ImageOut:
    return ImageOut(**image.model_dump(), src=f"http://127.0.0.1/images/{image.id}/640.jpg")


def _save(data: bytes) -> tuple[str, int, int]:
    with Picture.open(io.BytesIO(data)) as picture:
        picture.load()
        width, height = picture.size
    name = f"{uuid.uuid4().hex}.jpg"
    (FOLDER / name).write_bytes(data)
    return name, width, height


async def _add(session: AsyncSession, product_id: int, filename: str, data: bytes) -> ImageOut:
    try:
        path, width, height = await run_in_threadpool(_save, data)
    except OSError:
        raise HTTPException(422, "not an image") from None
    count = (await session.exec(select(func.count()).where(Image.product_id == product_id))).one()
    image = Image(
        product_id=product_id,
        position=count + 1,
        filename=filename,
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        width=width,
        height=height,
    )
    session.add(image)
    await session.commit()
    await session.refresh(image)
    return _out(image)


@app.post("/products/{product_id}/images", status_code=201, response_model=ImageOut)
async def upload(product_id: int, file: UploadFile, session: Session) -> ImageOut:
    return await _add(session, product_id, file.filename or "image", await file.read())


@app.post("/products/{product_id}/attachments", status_code=201, response_model=ImageOut)
async def attach(product_id: int, body: Attachment, session: Session) -> ImageOut:
    return await _add(session, product_id, body.filename, body.attachment)


@app.get("/products/{product_id}/images", response_model=list[ImageOut])
async def list_images(product_id: int, session: Session, limit: int = 30) -> list[ImageOut]:
    statement = select(Image).where(Image.product_id == product_id).order_by(col(Image.position)).limit(limit)
    return [_out(image) for image in (await session.exec(statement)).all()]


def _render(source: Path, target: Path, width: int, format_: str) -> None:
    with Picture.open(source) as picture:
        picture.thumbnail((width, 10_000))
        picture.convert("RGB").save(target, format_, quality=80)


@app.get("/images/{image_id}/{width}.{ext}", response_class=FileResponse)
async def show(image_id: int, width: int, ext: str, session: Session) -> FileResponse:
    image = await session.get(Image, image_id)
    if image is None or ext not in FORMATS:
        raise HTTPException(404)
    source = FOLDER / image.path
    target = FOLDER / f"{image.path}-{width}.{ext}"
    if not target.exists():
        await run_in_threadpool(_render, source, target, width, FORMATS[ext])
    return FileResponse(target)
