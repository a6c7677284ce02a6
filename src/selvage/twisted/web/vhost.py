"""`twisted.web.vhost`: several sites on one port."""

from selvage.web.vhost import (
    NameVirtualHost as NameVirtualHost,
    VHostMonsterResource as VHostMonsterResource,
    _HostResource as _HostResource,
)
