"""The rows that the site begins with: `python -m benchmarks.applications.django_site.seed` fills APPLICATION_STATE."""

import os
import random
from datetime import UTC, datetime, timedelta

PASSWORD = "correct-horse-7"
"""Of every user of the snapshot."""


SUBJECTS = ("Printer", "Mail", "Screen", "Invoice", "Cable")
TROUBLES = ("is lost", "fails", "is slow")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.applications.django_site.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    _fill()


def _fill() -> None:
    from django.contrib.auth.models import Permission, User
    from helpdesk.models import (
        ChecklistTemplate,
        CustomField,
        FollowUp,
        KBCategory,
        KBItem,
        PreSetReply,
        Queue,
        Ticket,
    )

    draw = random.Random(1)
    admin = User.objects.create_superuser("admin", "admin@desk.example", PASSWORD)
    staff = [
        User.objects.create_user(name, f"{name}@desk.example", PASSWORD, is_staff=True, first_name=name.title())
        for name in ("alice", "bob", "carol", "dave")
    ]
    people = [User.objects.create_user(n, f"{n}@mail.example", PASSWORD) for n in ("erin", "frank", "grace", "heidi")]
    queues = [
        Queue.objects.create(
            title=title, slug=slug, allow_public_submission=public, email_address=f"{slug}@desk.example"
        )
        for title, slug, public in (
            ("Support", "support", True),
            ("Billing", "billing", True),
            ("Network", "network", False),
        )
    ]
    may = {queue.slug: Permission.objects.get(codename=queue.permission_name[9:]) for queue in queues}
    for person, slugs in zip(
        staff, (("support", "billing"), ("support", "network"), ("billing",), ("network",)), strict=True
    ):
        for slug in slugs:
            person.user_permissions.add(may[slug])
    CustomField.objects.create(
        name="machine", label="Machine", data_type="varchar", max_length=40, required=False, ordering=1
    )
    CustomField.objects.create(
        name="cost", label="Cost", data_type="integer", required=False, ordering=2, staff_only=True
    )
    for number, topic in enumerate(("Mail", "Printers"), 1):
        category = KBCategory.objects.create(
            name=topic,
            title=f"About {topic}",
            slug=topic.lower(),
            description=f"Answers about {topic.lower()}",
            public=True,
        )
        for item in range(1, 5):
            KBItem.objects.create(
                category=category,
                title=f"{topic} {item}",
                question=f"How do {topic.lower()} work, part {item}?",
                answer=f"Like *this*, {number}.{item}.",
                order=item,
                enabled=True,
            )
    for number in range(1, 4):
        PreSetReply.objects.create(name=f"Reply {number}", body=f"Thank you. We look into it ({number}).")
    ChecklistTemplate.objects.create(name="New machine", task_list=["unpack", "install", "hand over"])
    now = datetime.now(UTC)
    for number in range(1, 41):
        queue = draw.choice(queues)
        person = draw.choice(people)
        created = now - timedelta(days=draw.randrange(3, 90), hours=draw.randrange(24), minutes=number)
        ticket = Ticket.objects.create(
            title=f"{draw.choice(SUBJECTS)} {draw.choice(TROUBLES)} {number}",
            queue=queue,
            created=created,
            submitter_email=person.email,
            priority=draw.randrange(1, 6),
            status=draw.choice((1, 1, 1, 2, 3, 4)),
            description=f"Since day {number} it does not work.",
            assigned_to=draw.choice([None, *[s for s in staff if s.has_perm(queue.permission_name)]]),
            due_date=draw.choice([None, now + timedelta(days=draw.randrange(2, 40))]),
        )
        for part in range(draw.randrange(3)):
            FollowUp.objects.create(
                ticket=ticket,
                title="Comment",
                comment=f"Note {part} on {number}",
                public=draw.random() < 0.6,
                user=draw.choice(staff),
                date=created + timedelta(hours=part + 1),
            )
    admin.usersettings_helpdesk.save()


if __name__ == "__main__":
    main()
