"""Encodes a clip as H.264 in a fast-start MP4, with a quiet tone if audio is requested."""

import array
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame

from videos.sandbox.clip import Clip
from videos.sandbox.frames import FRAMES_PER_SECOND, frames

SAMPLE_RATE = 44_100
CHORD = (220, 277, 330)  # Hz; whole numbers, so that one second loops without a click
LOUDNESS = 0.02
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
BT601 = 6  # AVCOL_SPC_SMPTE170M, and the same for primaries and transfer
# The fastest preset writes Baseline; with CABAC it is Main, which compresses better and plays everywhere.
X264 = {"preset": "ultrafast", "crf": "26", "x264-params": "cabac=1:keyint=48"}


def render(clip: Clip, path: Path) -> None:
    """Write the clip as MP4. Raises `av.error.FFmpegError` or `OSError`."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = _video_stream(container, clip)
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if clip.audio else None
        for frame in frames(clip):
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            for samples in _tone(clip.seconds):
                container.mux(sound.encode(samples))
            container.mux(sound.encode(None))


def _video_stream(container: Any, clip: Clip) -> Any:
    stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=X264)
    stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
    context = stream.codec_context
    context.thread_count = 1
    context.color_range = LIMITED_RANGE
    context.colorspace = context.color_primaries = context.color_trc = BT601
    return stream


def _tone(seconds: int) -> Iterator[AudioFrame]:
    samples = array.array("f", (_sample(index) for index in range(SAMPLE_RATE))).tobytes()
    for second in range(seconds):
        frame = AudioFrame("fltp", "mono", SAMPLE_RATE)
        frame.sample_rate = SAMPLE_RATE
        frame.planes[0].update(samples)
        frame.pts = second * SAMPLE_RATE
        yield frame


def _sample(index: int) -> float:
    swell = 0.6 - 0.4 * math.cos(math.tau * index / SAMPLE_RATE)
    return LOUDNESS * swell * sum(math.sin(math.tau * pitch * index / SAMPLE_RATE) for pitch in CHORD)
