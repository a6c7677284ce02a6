# -*- test-case-name: passes,skips -*-
