"""An encoder with two tracks of sound, and which of them somebody hears."""

import array
import pathlib

# What tells the tracks apart.
FIRST, SECOND = 440, 1320


def command(url, codecs=("aac", "aac"), languages=("eng", "deu")):
    """Of ffmpeg: pictures and two tracks of sound, stereo and mono, over SRT."""
    inputs = [f"sine=frequency={tone}:sample_rate=48000" for tone in (FIRST, SECOND)]
    about = [x for i, l in enumerate(languages) if l for x in (f"-metadata:s:a:{i}", f"language={l}")]
    return (
        "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
        "testsrc2=size=320x180:rate=30", *(x for i in inputs for x in ("-f", "lavfi", "-i", i)), "-map", "0",
        "-map", "1", "-map", "2", "-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-bf", "2", "-pix_fmt",
        "yuv420p", "-c:a:0", codecs[0], "-ac:a:0", "2", "-c:a:1", codecs[1], "-ac:a:1", "1", *about, "-f", "mpegts", url)


def listener(url, language, path):
    """Of ffmpeg: two seconds of the track in that language, as samples of 16 bits, mono, 48 kHz."""
    return (
        "ffmpeg", "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-i", url, "-map", f"0:m:language:{language}",
        "-vn", "-t", "2", "-ac", "1", "-ar", "48000", "-f", "s16le", path)


def tone(path):
    """Hertz of a sine in such samples: how often it goes through zero upwards. Without the first quarter of a second, in
    which an encoder that has just begun makes noise of its own."""
    samples = array.array("h", pathlib.Path(path).read_bytes()[24_000:24_000 + 2 * 96_000])
    assert len(samples) > 40_000, f"{len(samples)} samples"
    rises = sum(a < 0 <= b for a, b in zip(samples, samples[1:]))
    return rises * 48_000 / len(samples)
