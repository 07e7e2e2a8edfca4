# shellcheck shell=bash
# a clip generated, encoded as H.264 with AAC, transcoded to VP9 and to HEVC, and every frame's MD5 compared

version() {
  need ffmpeg
  ffmpeg -version | sed -n '1s/ Copyright.*//p'
}

# One thread: with two, x264 gives one of several results by chance, without the shim too. Even with one it follows
# the bytes of MALLOC_PERTURB_, so it reads memory that was never written: look there first if frames differ.
encode() {
  ffmpeg -nostdin -v error -bitexact -y "$@"
}

frames() {
  ffmpeg -nostdin -v error -threads 2 -i "$1" -map "$2" -f framemd5 frames
  echo "$1 $2 $(grep -vc '^#' frames) frames $(grep -v '^#' frames | md5sum)"
  rm frames
}

run() {
  encode -f lavfi -i testsrc2=duration=3:size=480x270:rate=25 -f lavfi -i sine=duration=3 \
    -c:v libx264 -threads 1 -c:a aac clip.mp4
  encode -i clip.mp4 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -threads 1 -an clip.webm
  encode -i clip.mp4 -vf scale=320:180,hue=s=0 -c:v libx265 -preset ultrafast \
    -x265-params log-level=error:pools=1:frame-threads=1 -an clip.mkv
  # Pictures and sound apart: in which order they are read is left to chance.
  frames clip.mp4 0:v
  frames clip.mp4 0:a
  frames clip.webm 0:v
  frames clip.mkv 0:v
}
