# Stands in for pve-manager's table: releases by name, the one of new installations marked.
my $releases = {
    squid => {
    },
    tentacle => {
        'current-backend-default' => 1,
    },
};
