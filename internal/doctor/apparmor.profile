# AppArmor profile for Bailey: Ubuntu 23.10 and newer give user namespaces only
# to programs whose profile says so. It confines nothing else; Bailey's own
# sandbox does. Install it as root:
#
#	bailey doctor --apparmor-profile > /etc/apparmor.d/bailey
#	apparmor_parser -r /etc/apparmor.d/bailey
abi <abi/4.0>,
include <tunables/global>

profile bailey @EXE@ flags=(unconfined) {
  userns,

  include if exists <local/bailey>
}
