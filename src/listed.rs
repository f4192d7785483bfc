//! Enums that know all their variants, listed once: a variant cannot be forgotten in a second list.

/// Declares an enum as it stands and gives it `ALL`.
macro_rules! listed {
    (
        $(#[$of_enum:meta])*
        $visible:vis enum $Enum:ident {
            $($(#[$of_variant:meta])* $Variant:ident $(= $number:literal)?),+ $(,)?
        }
    ) => {
        $(#[$of_enum])*
        $visible enum $Enum {
            $($(#[$of_variant])* $Variant $(= $number)?),+
        }

        impl $Enum {
            /// All of them, in the order they are declared in.
            $visible const ALL: [$Enum; [$($Enum::$Variant),+].len()] = [$($Enum::$Variant),+];
        }
    };
}

pub(crate) use listed;
