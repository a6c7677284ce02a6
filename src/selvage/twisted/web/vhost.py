"""`twisted.web.vhost`: several sites on one port."""

from selvage.web.vhost import (
    NameVirtualHost as NameVirtualHost,
    VHostMonsterResource as VHostMonsterResource,
    VirtualHostCollection as VirtualHostCollection,
    _HostResource as _HostResource,
)
