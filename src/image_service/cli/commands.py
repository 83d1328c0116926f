"""All commands of `image-service`: names and examples. Each command has its own module."""

from image_service.cli.console import examples
from image_service.cli.copy_storage import copy_storage
from image_service.cli.doctor.command import doctor
from image_service.cli.importing.command import import_images
from image_service.cli.jobs import jobs
from image_service.cli.migrate import migrate
from image_service.cli.openapi import openapi
from image_service.cli.program import app
from image_service.cli.stores import stores
from image_service.cli.sweep import sweep
from image_service.cli.syncing.command import export, sync
from image_service.cli.upload import upload
from image_service.cli.verify import verify

__all__ = ["app"]  # the complete program, after this import

app.add_typer(stores, name="stores")
app.add_typer(jobs, name="jobs")
app.command(epilog=examples("IMAGE_SERVICE_DATABASE_URL=postgresql://user:password@host/name image-service migrate"))(
    migrate
)
app.command(
    "import",
    epilog=examples(
        "image-service import photos.csv    # with the token in IMAGE_SERVICE_TOKEN",
        "image-service import photos/ --url https://images.example.com --token-stdin < token.txt",
        "image-service import photos.csv --dry-run",
    ),
)(import_images)
app.command(
    epilog=examples(
        "image-service upload front.jpg side.jpg --product 1234    # with the token in IMAGE_SERVICE_TOKEN",
        "image-service upload front.jpg --product 1234 --url https://images.example.com --token-stdin < token.txt",
    )
)(upload)
app.command(
    epilog=examples(
        "image-service sync galleries.csv --dry-run    # with the token in IMAGE_SERVICE_TOKEN",
        "image-service sync galleries.csv --missing keep --refetch never",
    )
)(sync)
app.command(epilog=examples("image-service export galleries.csv", "image-service export --ndjson > galleries.ndjson"))(
    export
)
app.command(epilog=examples("image-service doctor", "image-service doctor --json"))(doctor)
app.command(epilog=examples("image-service openapi > openapi.json"))(openapi)
app.command(epilog=examples("image-service sweep --dry-run", "image-service sweep --json"))(sweep)
app.command(
    epilog=examples("image-service verify", "image-service verify --sample 1% --read", "image-service verify --json")
)(verify)
app.command(
    "copy-storage", epilog=examples("image-service copy-storage file:///srv/data/blobs s3://bucket/prefix --quick")
)(copy_storage)
