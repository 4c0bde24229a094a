terraform import skerry_zone_address.east default/east
