#!/bin/sh
# Makes the passwords of the compose file's servers, once: nobody has to choose one, and none is a default.
set -eu
folder=${1:?folder}
[ -e "$folder/mongodb-uri" ] && exit 0

password() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
write() { printf '%s' "$2" >"$folder/$1.new" && chmod 0444 "$folder/$1.new" && mv "$folder/$1.new" "$folder/$1"; }

mongodb=$(password)
redis=$(password)
write mongodb-password "$mongodb"
write redis-conf "requirepass $redis"
write redis-password "$redis"
write redis-url "redis://:$redis@redis:6379"
# Last: it says that all of them are there.
write mongodb-uri "mongodb://lethe:$mongodb@mongodb:27017/?authSource=admin"
