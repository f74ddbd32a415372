"""What a node is told when it starts, in the form that Amazon Linux 2023's nodeadm reads and EKS adds its own part
to."""

import base64
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart

_RAID0 = """\
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  instance:
    localStorage:
      strategy: RAID0
"""


def raid0_user_data() -> str:
    """Joins the instance's own NVMe disks as RAID 0 and puts pods' files there: a MIME document in Base64.

    Source: nodeadm, API reference of NodeConfig; Amazon EKS user guide, "Customize managed nodes with launch
    templates": user data of a group without an image of its own is one multi-part MIME document.
    """
    # With a boundary of its own the text would be another one each time, and every preview a change.
    document = MIMEMultipart("mixed", boundary="==TRAINYARD==")
    part = MIMENonMultipart("application", "node.eks.aws")
    part.set_payload(_RAID0)
    document.attach(part)
    return base64.b64encode(document.as_bytes()).decode()
