"""`help_center` of migration.yaml: how articles, their pictures and the links to them move.

Belongs here: settings of the help centre with their defaults. Does not belong here: which language becomes which
(`mapping`), or what an article becomes (`target`).
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, model_validator

from migration_pipeline.config.locales import known_locale


class HelpCenter(BaseModel):
    """How the help centre moves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: Literal["serve", "source", "store"] | None = Field(
        None,
        description="where Intercom fetches pictures: from us (serve), from the source (source), from an object store "
        "(store); default: serve where base_url is set, else source",
    )
    base_url: HttpUrl | None = Field(None, description="public address that leads to the port we serve pictures at")
    listen: str = Field(
        "127.0.0.1:8790", pattern=r"^[^:/\s]+:\d{1,5}$", description="address and port that pictures are served at"
    )
    store: str | None = Field(None, description="folder of an object store that takes the files, as fsspec spells it")
    store_url: HttpUrl | None = Field(None, description="public address of that folder; without it, links are signed")
    store_link_s: int = Field(7 * 86_400, ge=60, description="seconds that a signed link lives")
    restricted: Literal["internal_article", "draft", "skip"] = Field(
        "draft", description="what becomes of articles that not everybody may read"
    )
    labels: Literal["tags", "drop"] = Field("tags", description="what becomes of labels")
    content_tags: Literal["tags", "drop"] = Field("tags", description="what becomes of content tags")
    translations: bool = Field(True, description="false: only the default language moves")
    default_locale: Annotated[str, AfterValidator(known_locale)] | None = Field(
        None, description="default language of Intercom's help centre; default: the one most articles are written in"
    )
    brand_collections: Literal["several", "never"] = Field(
        "several", description="a collection for each brand above what its help center holds, where there are several"
    )
    max_depth: int = Field(3, ge=1, le=10, description="levels of collections; deeper ones move up")
    archived: Literal["report", "unpublish"] = Field(
        "report", description="what becomes of an article that was archived after it was migrated"
    )
    redirects: bool = Field(True, description="create redirects from the old addresses, where Intercom takes them")
    help_center_id: str | None = Field(None, description="Intercom's help centre; default: the workspace's own")

    @model_validator(mode="after")
    def _hosts(self) -> Self:
        if self.images == "serve" and self.base_url is None:
            raise ValueError("images: serve needs base_url, the public address that Intercom fetches them from")
        if self.images == "store" and self.store is None:
            raise ValueError("images: store needs store, the folder that takes the files")
        return self

    @property
    def host(self) -> Literal["serve", "source", "store"]:
        """Where Intercom fetches pictures from."""
        return self.images or ("serve" if self.base_url else "source")
