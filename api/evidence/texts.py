"""The texts of an evidence folder: its README.txt, and how its copies were made."""

from __future__ import annotations

README_TEXT = """\
EVIDENCE OF A SIGHTING, EXPORTED BY XUNREN                                            (中文见下)

  original/         the recording's own files, byte for byte as they were stored (withheld for masked cameras)
  clip.mp4 / .mkv   the stretch of the sighting; manifest.json says how it was made (stream copy: nothing was encoded)
  still.jpg         one picture of it with a box around the person
  blurred.mp4       if asked for: a copy in which other people are blurred. A person must check it before it is shown
  manifest.json     SHA-256 of each file and of each of its 1 MiB blocks, camera, clock, times, case, operator
  manifest.sig      Ed25519 signature of manifest.json, Base64
  public_key.pem    the key that belongs to it

A sighting is a lead that a person confirmed. Xunren matches descriptions; it recognises no faces.

To verify, offline, where Xunren is installed (no index, no model, no network):

  xunren evidence verify FOLDER --key KEY.pem

KEY.pem must come from elsewhere: `xunren evidence key` prints it at the installation that signed. Without --key only
the folder's own public_key.pem is used. That shows that the folder agrees with itself, and not who made it.

Without Xunren, with OpenSSL 3:

  base64 -d manifest.sig > manifest.sig.bin
  openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in manifest.json -sigfile manifest.sig.bin
  sha256sum original/* clip.* still.jpg          and compare with "sha256" in manifest.json
  (write manifest.sig.bin outside the folder if it is to be verified with xunren afterwards)

--------------------------------------------------------------------------------------------------

由寻人 (XUNREN) 导出的目击证据

  original/         录像原始文件,与存储的文件逐字节相同(设有隐私遮罩的摄像机不附原件)
  clip.mp4 / .mkv   目击片段;制作方式见 manifest.json(stream copy 表示未重新编码)
  still.jpg         其中一帧画面,人物以方框标出
  blurred.mp4       如有要求:其他人员已模糊处理的副本。对外出示前必须由人工检查
  manifest.json     每个文件及其每个 1 MiB 数据块的 SHA-256、摄像机、时钟、时间、案件、操作员
  manifest.sig      manifest.json 的 Ed25519 签名,Base64 编码
  public_key.pem    对应的公钥

目击记录是经人工确认的线索。寻人只匹配文字描述,不做人脸识别。

离线验证(需安装寻人,无需索引、模型和网络):

  xunren evidence verify 文件夹 --key KEY.pem

KEY.pem 必须另行取得:在签名的系统上运行 `xunren evidence key` 即可打印。不带 --key 时只使用文件夹内的
public_key.pem,只能说明文件夹前后一致,不能证明由谁签发。

不安装寻人时,可用 OpenSSL 3:

  base64 -d manifest.sig > manifest.sig.bin
  openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in manifest.json -sigfile manifest.sig.bin
  sha256sum original/* clip.* still.jpg          并与 manifest.json 中的 "sha256" 比较
"""

COPIED = "stream copy: the packets of the recording, nothing was encoded; it begins with the key frame before the start"
MASKED = "encoded again (H.264): what the camera's privacy masks cover is black"
WITHHELD = "the camera has privacy masks and the original shows what they cover; its SHA-256 tells it, where it is kept"
KEPT_STILL = "the picture that was kept when the sighting was confirmed; box and, if there are any, masks drawn into it"
DRAWN_STILL = "no picture was kept; the picture of clip nearest to the moment, with the box drawn into it"
BLURRED = (
    "encoded again (H.264): people were looked for every {look_s:g} s by the detector {detector!r}; everybody but the "
    "person of the sighting is blurred, and everybody where that person's place is not known. People who do not move, "
    "or were not found, are not blurred, and who stands before the person is not: a person must check this copy before "
    "it is shown"
)
RECORDER_CLOCK = (
    "times are those of the recorder's clock when the pictures arrived; the camera's own clock was not read"
)
GIVEN_CLOCK = "added to the recording's own start (start_source) when it was indexed, as it was set for the camera then"
