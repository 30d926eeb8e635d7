use crate::{impls::seats, mock::*};
use blyan_primitives::{
	api::MAX_PAGE,
	draw::Lots,
	traits::WorkerRegistry,
	worker::{Fault, Role},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_ok, traits::Get},
	sp_runtime::Perbill,
};

#[test]
fn worker_should_tell_what_is_known_of_it() {
	build_and_execute(|| {
		assert_eq!(WorkersPallet::worker(&1), None);
		register(1, &[Role::Server], 3_000);
		let info = WorkersPallet::worker(&1).unwrap();
		assert_eq!(info.account, 1);
		assert_eq!(info.roles, roles(&[Role::Server]));
		assert_eq!(info.endpoint, b"http://127.0.0.1:8000".to_vec());
		assert_eq!((info.bond, info.engagements, info.active), (3_000, 0, true));
		assert_eq!(info.reputation, Perbill::from_percent(50));
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(1)));
		assert!(!WorkersPallet::worker(&1).unwrap().active);
	});
}

#[test]
fn who_votes_should_be_who_registered_and_is_not_leaving_or_suspended() {
	build_and_execute(|| {
		assert_eq!((WorkersPallet::active_since(&1), WorkersPallet::active_workers()), (None, 0));
		System::set_block_number(5);
		register(1, &[Role::Server, Role::Trainer], MIN_BOND);
		register(2, &[Role::Server], MIN_BOND);
		assert_eq!((WorkersPallet::active_since(&1), WorkersPallet::active_workers()), (Some(5), 2));
		WorkersPallet::note_fault(&2, Fault::OutsideTolerance);
		assert_eq!(
			(WorkersPallet::active_since(&2), WorkersPallet::active_workers()),
			(None, 2),
			"suspended"
		);
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(1)));
		assert_eq!((WorkersPallet::active_since(&1), WorkersPallet::active_workers()), (None, 1));
		System::set_block_number(100);
		assert_ok!(WorkersPallet::withdraw(RuntimeOrigin::signed(1)));
		assert_eq!(WorkersPallet::active_workers(), 1);
	});
}

#[test]
fn associates_should_be_who_one_of_the_two_declared() {
	build_and_execute(|| {
		(1..=40).for_each(|who| register(who, &[Role::Server], MIN_BOND));
		let list = blyan_primitives::worker::Associates::truncate_from(vec![2]);
		assert_ok!(WorkersPallet::declare_associates(RuntimeOrigin::signed(1), list));
		let are = |one, other| WorkersPallet::are_associates(&one, &other);
		assert_eq!([are(1, 2), are(2, 1), are(1, 3), are(3, 2)], [true, true, false, false]);
	});
}

#[test]
fn workers_should_page_through_a_role() {
	build_and_execute(|| {
		(1..=7).for_each(|who| register(who, &[Role::Server], MIN_BOND));
		register(8, &[Role::Trainer], MIN_BOND);
		let page = |start, count| {
			let page = WorkersPallet::workers(Role::Server, start, count);
			page.into_iter().map(|info| info.account).collect::<Vec<_>>()
		};
		assert_eq!(page(0, 3), vec![1, 2, 3]);
		assert_eq!(page(3, 3), vec![4, 5, 6]);
		assert_eq!(page(6, 3), vec![7]);
		assert_eq!(page(7, 3), Vec::<AccountId>::new());
		assert_eq!(page(u32::MAX, u32::MAX), Vec::<AccountId>::new());
		assert_eq!(page(0, u32::MAX).len(), 7);
		assert!(MAX_PAGE >= MaxWorkers::get(), "the mock does not reach the page limit");
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(2)));
		assert_eq!(page(0, 10), vec![1, 7, 3, 4, 5, 6]);
	});
}

#[test]
fn draw_should_look_at_two_seats_a_level_and_not_at_all_of_them() {
	build_and_execute(|| {
		(1..=64).for_each(|who| register(who, &[Role::Evaluator], MIN_BOND));
		let mut draw = seats::draw::<Test>(Role::Evaluator, &[9]);
		assert_eq!(draw.take(1, &mut Lots::new(Hash::zero(), ())).len(), 1);
		// 64 seats lie on seven levels: the path of the excluded one, and two seats a level for the lot.
		let depth = <MaxWorkers as Get<u32>>::get().ilog2() as usize + 1;
		assert!(draw.seats_seen() <= 3 * depth, "{}", draw.seats_seen());
	});
}
