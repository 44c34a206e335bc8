"""What people do with works by hand and see of them: a section of the composition root."""

from typing import ClassVar

from dependency_injector import providers

from app.backends import Backends
from app.usecases.library.artwork import (
    KeptPictures,
    PosterStudio,
    RemoveSeriesPoster,
    RemoveWorkPoster,
    SetSeriesPoster,
    SetWorkPoster,
)
from app.usecases.library.editing import EditSeries, EditWork
from app.usecases.library.merging import ListMerged, MergeWorks, SplitVideo, UndoMerge
from app.usecases.library.scan_memo import ScanMemo
from app.usecases.library.subtitles import ReadSubtitles


class Editors(Backends):
    """Providers of editing, merging, pictures and subtitles."""

    _writes: ClassVar = {"unit_of_work": Backends.unit_of_work.provider, "clock": Backends.clock}

    edit_work = providers.Factory(
        EditWork, **_writes, memo=providers.Factory(ScanMemo, Backends.assets)
    )
    edit_series = providers.Factory(EditSeries, **_writes)
    list_merged = providers.Factory(ListMerged, Backends.read_only.provider)
    merge_works = providers.Factory(MergeWorks, **_writes)
    undo_merge = providers.Factory(UndoMerge, **_writes)
    split_video = providers.Factory(
        SplitVideo, **_writes, new_id=Backends.new_id, names=Backends.names
    )
    _studio = providers.Factory(PosterStudio, Backends.artist, Backends.assets)
    set_work_poster = providers.Factory(
        SetWorkPoster, Backends.read_only.provider, _studio, edit_work
    )
    set_series_poster = providers.Factory(
        SetSeriesPoster, Backends.read_only.provider, _studio, edit_series
    )
    remove_work_poster = providers.Factory(RemoveWorkPoster, edit_work, Backends.assets)
    remove_series_poster = providers.Factory(RemoveSeriesPoster, edit_series, Backends.assets)
    kept_pictures = providers.Factory(KeptPictures, Backends.assets)
    read_subtitles = providers.Factory(
        ReadSubtitles,
        Backends.read_only.provider,
        storages=Backends.storages,
        assets=Backends.assets,
        reader=Backends.subtitle_reader,
    )
