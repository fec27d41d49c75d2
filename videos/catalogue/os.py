"""OS, by OpenAI."""

from videos.catalogue.spec import AspectRatios, Seconds, variants

MODELS = variants(
    "OS-2.0",
    "720p",
    ratios=AspectRatios(("16:9", "9:16"), text_to_video_only=True),
    seconds=Seconds.of(4, 8, 12),
    max_images=1,
    frames=1,
    image_sizes=((1280, 720), (720, 1280)),
    named_by_family=True,
)
