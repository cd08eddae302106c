"""Definitions of services: those of botocore, found without looking into the folders of all others."""

from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from adapters.aws.definitions import Definitions

OURS = ("dynamodb", "sns", "sqs", "cognito-idp", "chime-sdk-meetings", "stepfunctions")


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
@pytest.mark.parametrize("service", OURS)
def test_a_definition_is_the_one_that_botocore_reads(service: str, kind: str) -> None:
    assert Definitions().load_service_model(service, kind) == Loader().load_service_model(service, kind)


def test_what_all_services_share_is_read_too() -> None:
    for name in ("endpoints", "partitions", "sdk-default-configuration"):
        assert Definitions().load_data(name) == Loader().load_data(name)


def test_there_is_no_service_without_a_folder() -> None:
    with pytest.raises(UnknownServiceError):
        Definitions().load_service_model("no-such-service", "service-2")


def test_a_file_may_be_plain_or_compressed_or_missing(tmp_path: Path) -> None:
    definitions = Definitions()
    (tmp_path / "plain.json").write_text('{"is": "plain"}', encoding="utf-8")
    assert definitions.file_loader.load_file(str(tmp_path / "plain")) == {"is": "plain"}
    assert definitions.file_loader.load_file(str(tmp_path / "missing")) is None


def test_no_folder_of_a_service_is_looked_into_to_find_another(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    exists = Loader.FILE_LOADER_CLASS.exists

    def look(self: object, path: str) -> bool:
        looked.append(path)
        there: bool = exists(self, path)
        return there

    monkeypatch.setattr(Loader.FILE_LOADER_CLASS, "exists", look)
    Definitions().load_service_model("sqs", "service-2")
    assert looked
    assert all("/sqs/" in path for path in looked)
