//! Owns what a mutant is: one expression or statement of the source that does something else once its
//! number is on.

use std::{fmt, fs, path::Path};

use quote::ToTokens;
use syn::{
    BinOp, Block, Expr, ExprBinary, ItemFn, ReturnType, Signature, Stmt, UnOp, parse_quote,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

/// Methods that are easily taken for each other.
const CONFUSABLE: [(&str, &str); 8] = [
    ("plus", "minus"),
    ("minus", "plus"),
    ("saturating_plus", "floored_minus"),
    ("floored_minus", "saturating_plus"),
    ("min", "max"),
    ("max", "min"),
    ("any", "all"),
    ("all", "any"),
];
/// Methods that answer yes or no.
const PREDICATES: [&str; 4] = ["is_some", "is_none", "is_zero", "is_empty"];

/// Where a mutant is and what it does.
pub struct Mutant {
    file: String,
    line: usize,
    change: String,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.change)
    }
}

/// Rewrites the components below `src` with all of their mutants and gives the list, by number.
pub fn plant(src: &Path, components: &[String]) -> Vec<Mutant> {
    let mut planter = Planter::default();
    for component in components {
        planter.folder(src, &src.join(component));
    }
    let lib = fs::read_to_string(src.join("lib.rs")).expect("lib.rs");
    let lib = lib
        .replace("#[cfg(test)]\nextern crate std;", "extern crate std;")
        .replace("mod prelude;", "mod mutant;\nmod prelude;");
    fs::write(src.join("lib.rs"), lib).expect("lib.rs");
    let switch = include_str!("switch.rs.in").replace("COUNT", &planter.mutants.len().to_string());
    fs::write(src.join("mutant.rs"), switch).expect("mutant.rs");
    planter.mutants
}

#[derive(Default)]
struct Planter {
    mutants: Vec<Mutant>,
    file: String,
}

impl Planter {
    fn folder(&mut self, src: &Path, folder: &Path) {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.expect("an entry").path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "tests") {
                    self.folder(src, &path);
                }
                continue;
            }
            self.file = path
                .strip_prefix(src)
                .expect("below src")
                .display()
                .to_string();
            let text = fs::read_to_string(&path).expect("a source file");
            let mut file = syn::parse_file(&text).expect("Rust");
            self.visit_file_mut(&mut file);
            fs::write(&path, file.to_token_stream().to_string()).expect("written");
        }
    }

    fn number(&mut self, at: proc_macro2::Span, change: String) -> usize {
        self.mutants.push(Mutant {
            file: self.file.clone(),
            line: at.start().line,
            change,
        });
        self.mutants.len() - 1
    }

    /// `changed` in place of `original`, which may hold mutants of its own, once it is on.
    fn choose(&mut self, expr: &mut Expr, at: proc_macro2::Span, before: String, changed: Expr) {
        let number = self.number(at, format!("{before} -> {}", shown(&changed)));
        let original = expr.clone();
        *expr = parse_quote! {
            (if crate::mutant::is_on(#number) { #changed } else { #original })
        };
    }

    fn whole_body(&mut self, sig: &Signature, body: &mut Block) {
        let ReturnType::Type(_, given) = &sig.output else {
            return;
        };
        let given = shown(given);
        let instead: &[&str] = match given.replace(' ', "").as_str() {
            "bool" => &["true", "false"],
            "Result<(),InvariantViolation>" | "Result<(),Failure>" | "Result<(),Refusal>" => {
                &["Ok(())"]
            }
            other if other.starts_with("Option<") => &["None"],
            _ => return,
        };
        for value in instead {
            let number = self.number(sig.span(), format!("fn {} gives {value}", sig.ident));
            let value: Expr = syn::parse_str(value).expect("an expression");
            body.stmts.insert(
                0,
                parse_quote! { if crate::mutant::is_on(#number) { return #value; } },
            );
        }
    }
}

fn shown(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    text.chars().take(100).collect()
}

fn holds_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(both) => holds_let(&both.left) || holds_let(&both.right),
        _ => false,
    }
}

fn other(op: &BinOp) -> Option<BinOp> {
    Some(match op {
        BinOp::Lt(_) => parse_quote!(<=),
        BinOp::Le(_) => parse_quote!(<),
        BinOp::Gt(_) => parse_quote!(>=),
        BinOp::Ge(_) => parse_quote!(>),
        BinOp::Eq(_) => parse_quote!(!=),
        BinOp::Ne(_) => parse_quote!(==),
        BinOp::And(_) => parse_quote!(||),
        BinOp::Or(_) => parse_quote!(&&),
        _ => return None,
    })
}

/// What an expression becomes, where it has a mutant.
fn changed(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Binary(both) if !holds_let(expr) => Some(Expr::Binary(ExprBinary {
            op: other(&both.op)?,
            ..both.clone()
        })),
        Expr::Unary(not) if matches!(not.op, UnOp::Not(_)) => Some((*not.expr).clone()),
        Expr::MethodCall(call) => {
            let name = call.method.to_string();
            if PREDICATES.contains(&name.as_str()) && call.args.is_empty() {
                return Some(parse_quote!((!#expr)));
            }
            let (_, instead) = CONFUSABLE.iter().find(|(from, _)| *from == name)?;
            let mut call = call.clone();
            call.method = syn::Ident::new(instead, call.method.span());
            Some(Expr::MethodCall(call))
        }
        Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Bool(value) => {
                let value = !value.value;
                Some(parse_quote!(#value))
            }
            syn::Lit::Int(value) if value.suffix().is_empty() => {
                let more = value.base10_parse::<u64>().ok()?.checked_add(1)?;
                let more = proc_macro2::Literal::u64_unsuffixed(more);
                Some(parse_quote!(#more))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether a statement may be left out: nothing after it needs its value.
fn removable(stmt: &Stmt) -> bool {
    let Stmt::Expr(expr, Some(_)) = stmt else {
        return false;
    };
    match expr {
        Expr::Try(tried) => matches!(*tried.expr, Expr::Call(_) | Expr::MethodCall(_)),
        Expr::Call(_) | Expr::MethodCall(_) => true,
        // `x = y` may be what first gives x its value.
        Expr::Assign(set) => matches!(*set.left, Expr::Field(_) | Expr::Unary(_) | Expr::Index(_)),
        Expr::Binary(set) => matches!(set.op, BinOp::AddAssign(_) | BinOp::SubAssign(_)),
        _ => false,
    }
}

fn is_for_tests(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| shown(attr).contains("cfg (test)"))
}

impl VisitMut for Planter {
    fn visit_item_mod_mut(&mut self, item: &mut syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit_mut::visit_item_mod_mut(self, item);
        }
    }

    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        if item.sig.constness.is_none() && !is_for_tests(&item.attrs) {
            visit_mut::visit_block_mut(self, &mut item.block);
            self.whole_body(&item.sig, &mut item.block);
        }
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut syn::ImplItemFn) {
        if item.sig.constness.is_none() && !is_for_tests(&item.attrs) {
            visit_mut::visit_block_mut(self, &mut item.block);
            self.whole_body(&item.sig, &mut item.block);
        }
    }

    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}
    fn visit_item_static_mut(&mut self, _: &mut syn::ItemStatic) {}
    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}
    fn visit_expr_repeat_mut(&mut self, _: &mut syn::ExprRepeat) {}
    fn visit_expr_const_mut(&mut self, _: &mut syn::ExprConst) {}
    fn visit_attribute_mut(&mut self, _: &mut syn::Attribute) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_generic_argument_mut(&mut self, _: &mut syn::GenericArgument) {}

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let span = expr.span();
        let before = shown(expr);
        let instead = changed(expr);
        visit_mut::visit_expr_mut(self, expr);
        if let Some(instead) = instead {
            self.choose(expr, span, before, instead);
        }
    }

    fn visit_expr_if_mut(&mut self, item: &mut syn::ExprIf) {
        let (span, before) = (item.cond.span(), shown(&item.cond));
        let guard = !holds_let(&item.cond);
        visit_mut::visit_expr_if_mut(self, item);
        if guard {
            let number = self.number(span, format!("if {before} -> never"));
            let cond = &item.cond;
            *item.cond = parse_quote!(!crate::mutant::is_on(#number) && (#cond));
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let removable: Vec<Option<(proc_macro2::Span, String)>> = block
            .stmts
            .iter()
            .map(|stmt| removable(stmt).then(|| (stmt.span(), shown(stmt))))
            .collect();
        visit_mut::visit_block_mut(self, block);
        for (stmt, gone) in block.stmts.iter_mut().zip(removable) {
            if let Some((span, before)) = gone {
                let number = self.number(span, format!("without {before}"));
                *stmt = parse_quote!(if !crate::mutant::is_on(#number) { #stmt });
            }
        }
    }
}
